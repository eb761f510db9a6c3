-- Records merged into others, found from either side; the facts that say so, found without reading all the others.
CREATE INDEX customer_merged ON customer (merged_into) WHERE merged_into IS NOT NULL;
CREATE INDEX fact_merge ON fact (seq) WHERE kind >= 13;
