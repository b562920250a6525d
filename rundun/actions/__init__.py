"""Actions: each public function is one transaction that reads or changes the database by the rules."""
