-- name: customer_get
SELECT ref FROM customer WHERE customer_id = ?1;

-- A merged record leads to the one that survived.
-- name: customer_by_id
SELECT coalesce(merged_into, customer_id) FROM customer WHERE customer_id = ?1;

-- name: customer_by_ref
SELECT coalesce(merged_into, customer_id) FROM customer WHERE ref = ?1;

-- name: address_find
SELECT DISTINCT coalesce(c.merged_into, c.customer_id) AS id FROM address a JOIN customer c ON c.customer_id = a.customer_id
WHERE a.hash = ?1 ORDER BY id;

-- name: address_insert
INSERT INTO address (hash, customer_id) VALUES (?1, ?2) ON CONFLICT (hash, customer_id) DO NOTHING;

-- name: address_delete
DELETE FROM address WHERE hash = ?1 AND customer_id = ?2;

-- name: person_get
SELECT civility, first_name, last_name, company, email, phone, address1, address2, postcode, city, country, attributes
FROM person WHERE customer_id = ?1;

-- name: person_put
INSERT INTO person (customer_id, civility, first_name, last_name, company, email, phone, address1, address2, postcode, city,
  country, attributes)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
ON CONFLICT (customer_id) DO UPDATE SET civility = excluded.civility, first_name = excluded.first_name,
  last_name = excluded.last_name, company = excluded.company, email = excluded.email, phone = excluded.phone,
  address1 = excluded.address1, address2 = excluded.address2, postcode = excluded.postcode, city = excluded.city,
  country = excluded.country, attributes = excluded.attributes;

-- name: product_get
SELECT product_id, sku, name, type, family, category, brand, replaced_by, url, image, attributes, price, cost, vat_x2, stock,
  lifetime_days, tier, not_a_product FROM product WHERE product_id = ?1;

-- name: products
SELECT product_id, sku, name, type, family, category, brand, replaced_by, url, image, attributes, price, cost, vat_x2, stock,
  lifetime_days, tier, not_a_product FROM product ORDER BY product_id;

-- name: product_update
UPDATE product SET name = ?2, type = ?3, family = ?4, category = ?5, brand = ?6, replaced_by = ?7, url = ?8, image = ?9,
  attributes = ?10, price = ?11, cost = ?12, vat_x2 = ?13, stock = ?14, lifetime_days = ?15, tier = ?16, not_a_product = ?17
WHERE product_id = ?1;
