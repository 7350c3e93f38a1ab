"""``python -m analyst.production``: five questions as executives asked them, each a durable run of its own."""

from analyst.agent import NoAnswerError
from analyst.running import launched, run

QUESTIONS = {
    "top-months": "What are the top 5 months by revenue?",
    "region-concentration": "How concentrated is our revenue by region?",
    "west-revenue": "How did yearly revenue in the West region develop?",
    "product-revenue": "What is the total revenue of each product?",
    "south-revenue": "How did yearly revenue in the South region develop?",
}


def main() -> None:
    with launched():
        for workflow_id, question in QUESTIONS.items():
            try:
                answer = run(question, workflow_id)
            except NoAnswerError as problem:
                answer = f"no answer: {problem}"
            print(f"{workflow_id}: {question}\n  {answer}", flush=True)


if __name__ == "__main__":
    main()
