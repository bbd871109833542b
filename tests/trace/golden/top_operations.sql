SELECT name, COUNT(*) as launches, SUM(dur)/1e6 as total_ms, AVG(dur)/1e6 as avg_ms FROM slices WHERE name IS NOT NULL GROUP BY name ORDER BY total_ms DESC LIMIT 50;
