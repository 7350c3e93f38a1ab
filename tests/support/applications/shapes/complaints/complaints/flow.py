"""LangChain inside DBOS steps: a chain that sorts a complaint, and one that answers it with what a tool found."""

from dbos import DBOS
from langchain_core.prompts import ChatPromptTemplate
from langchain_openai import ChatOpenAI

ANSWER = "Answer the customer."


def chain(instructions):
    prompt = ChatPromptTemplate.from_messages([("system", instructions), ("human", "{text}")])
    return prompt | ChatOpenAI(model="gpt-4o-mini")


@DBOS.step()
def sort_complaint(text):
    return chain("Is this about a refund or about something else? One word.").invoke({"text": text}).content


@DBOS.step()
def look_up_order(number):
    return {"number": number, "price": 80, "status": "delivered"}


@DBOS.step()
def answer(text, kind, order):
    return chain(ANSWER).invoke({"text": f"{kind}: {text} {order}"})


@DBOS.workflow()
def handle_complaint(text):
    kind = sort_complaint(text)
    order = look_up_order(7)
    return answer(text, kind, order).content
