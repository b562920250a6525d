"""Actions on runs: dispatch, execution, photos, patches, and the actions of operators."""
