"""Answers a question about recorded runs without a file: which of these prompts or models would have helped?"""
