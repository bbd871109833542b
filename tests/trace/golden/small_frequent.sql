SELECT name, COUNT(*) as launches, AVG(dur)/1e3 as avg_us FROM slices WHERE dur < 100000 GROUP BY name HAVING launches > 1 ORDER BY launches DESC LIMIT 30;
