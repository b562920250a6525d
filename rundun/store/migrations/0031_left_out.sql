-- Which photos of the step an answer leaves out: stored ones that its author had seen and does not list. All others count.
-- NULL where the author did not say what was seen: then those that are listed count (core/photo_list.py).

ALTER TABLE answers ADD COLUMN left_out TEXT CHECK (left_out IS NULL OR json_valid(left_out));
