-- The language in which an operator reads the console; NULL: the one that the browser asks for.

ALTER TABLE operators ADD COLUMN language TEXT CHECK (length(language) <= 35);
