"""The pages of checklists: the list, versions, the editor and its preview."""
