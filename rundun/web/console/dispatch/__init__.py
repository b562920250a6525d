"""The pages that send jobs: one, or a table of them."""
