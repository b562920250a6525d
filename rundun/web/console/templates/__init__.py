"""The pages of checklists: the list, their versions, the editor and its preview."""
