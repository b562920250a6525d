"""The JSON of the wire, as TypedDicts: the types that writers return and the OpenAPI document describes.

A class `RunListedJson` is called `RunListed` in the document, where the string below a member describes that member.
"""
