-- The counts behind the key figures, by month: one statement, helped by covering indexes, parallel.
with basket as materialized (
  select o.id, o.customer, o.day, o.sale, date_trunc('month', o.day)::date as month,
         sum(l.amount) as value, bool_or(p.complementary and l.quantity > 0) as complement,
         sum(case when l.amount < 0 then -l.amount else 0 end) as returned,
         sum(greatest(l.quantity, 0)) as quantity,
         sum((sign(l.amount) * floor(abs(l.amount) * (200.0::float8 / (200 + p.vat)) + 0.5))::bigint - p.cost * l.quantity) as margin
  from orders o join line l on l.order_id = o.id join product p on p.id = l.product
  group by o.id, o.customer, o.day, o.sale),
first_order as (select customer, min(day) as day from basket where sale group by customer),
first_cross as (select customer, min(day) as day from basket where sale and complement group by customer),
by_month as (
  select month, count(*) filter (where sale) as orders, count(*) filter (where sale and complement) as orders_complement,
         sum(value) filter (where sale) as order_value, sum(value) filter (where sale and complement) as order_value_complement,
         sum(value) as revenue, sum(returned) as returned, sum(quantity) as quantity, sum(margin) as margin,
         count(distinct customer) filter (where sale) as buyers
  from basket group by month),
fresh as (select date_trunc('month', day)::date as month, count(*) as n from first_order group by 1),
crossed as (
  select date_trunc('month', c.day)::date as month, sum(c.day - f.day) as days, count(*) as n
  from first_cross c join first_order f using (customer) group by 1),
span as (
  select customer, day, lead(day) over (partition by customer order by day) as next from basket where sale),
active as (
  select m.month, count(distinct s.customer) as n
  from by_month m join span s on s.day < m.month and (s.next is null or s.next >= m.month)
   and (s.day + interval '12 months')::date > m.month
  group by m.month)
select m.month, m.orders, m.orders_complement, m.order_value, m.order_value_complement, m.revenue, m.returned, m.quantity,
       m.margin, m.buyers, coalesce(f.n, 0), coalesce(a.n, 0), coalesce(c.days, 0), coalesce(c.n, 0)
from by_month m left join fresh f using (month) left join active a using (month) left join crossed c using (month)
order by m.month
