"""The one place that talks to a model."""

from openai import OpenAI

client = OpenAI()


def ask(instructions, text):
    messages = [{"role": "system", "content": instructions}, {"role": "user", "content": text}]
    try:
        return (
            client.chat.completions.create(model="gpt-4o-mini", messages=messages).choices[0].message.content
        )
    except Exception as error:
        raise Exception(f"the model does not answer: {error}")  # noqa: B904
