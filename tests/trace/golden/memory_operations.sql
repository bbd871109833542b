SELECT name, COUNT(*) as count, SUM(dur)/1e6 as total_ms FROM slices WHERE name LIKE '%Memcpy%' OR name LIKE '%copy%' OR name LIKE '%Copy%' GROUP BY name ORDER BY total_ms DESC LIMIT 20;
