"""Removes secrets from requests, answers and errors of trials, before anything is written."""
