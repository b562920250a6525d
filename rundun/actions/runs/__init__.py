"""What can happen to runs: dispatch, execution, photos, patches, and what operators do to them."""
