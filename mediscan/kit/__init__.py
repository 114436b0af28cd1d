"""Every component in every state on two pages, for whoever changes one; DEBUG and tests only.

They include the very templates that the pages include, with values made up here: `work` for
what is sent, run and made, `people` for who signs in and what was done, `viewer` for what
stands beside a picture.
"""
