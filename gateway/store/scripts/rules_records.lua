-- rules_records.lua: several records of this shard at once.
-- KEYS: 1 shard prefix   ARGV: thread and seq of each
-- Returns the records, "" for what is gone
local out = {}
for i = 1, #ARGV, 2 do out[#out + 1] = call('HGET', P .. 'log:' .. ARGV[i], ARGV[i + 1]) or '' end
return out
