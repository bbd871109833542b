SELECT key, int_value, real_value IS NULL AS no_real, value_type, display_value FROM args
WHERE arg_set_id = (SELECT arg_set_id FROM slice WHERE name LIKE 'Memcpy%') ORDER BY key;
SELECT name, extract_arg(arg_set_id, 'args.grid[0]') AS grid_x, extract_arg(arg_set_id, 'args.correlation') AS correlation
FROM slice WHERE category = 'kernel' ORDER BY ts;
