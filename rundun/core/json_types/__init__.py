"""The JSON of the wire, as TypedDicts: what the writers return, and what the OpenAPI document describes.

A class `RunListedJson` is called `RunListed` in the document, where the string below a member describes that member.
"""
