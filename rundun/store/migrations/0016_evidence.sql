-- Where the time of a photo comes from, and which photo one was drawn on.

ALTER TABLE photos ADD COLUMN taken_at_from TEXT CHECK (taken_at_from IN ('camera', 'exif', 'exif_local'));
ALTER TABLE photos ADD COLUMN annotated_from TEXT;  -- the photo_id of what it shows without the drawing
-- The page took the phone's clock for photos of the camera, and the file's date for others, which says nothing.
UPDATE photos SET taken_at_from = 'camera' WHERE source = 'camera' AND taken_at IS NOT NULL;
