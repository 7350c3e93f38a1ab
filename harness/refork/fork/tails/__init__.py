"""What a tail needs beside a trial at the fork point: tools, the user, cached steps, its trajectory."""
