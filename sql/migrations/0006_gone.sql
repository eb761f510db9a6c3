-- The few who were merged into another or erased: every count of a segment leaves them out.
CREATE INDEX customer_gone ON customer (customer_id) WHERE merged_into IS NOT NULL OR erased_at IS NOT NULL;
