-- report.lua: how many things were counted on each of these days, and who waits for an answer now.
-- KEYS: 1 shard prefix   ARGV: days "yyyymmdd"
-- Returns {waiting, since when the first of them ("" nobody), total of each day...}
local first = call('ZRANGE', P .. 'waiting', 0, 0, 'WITHSCORES')
local out = {call('ZCARD', P .. 'waiting'), first[2] or ''}
for _, day in ipairs(ARGV) do out[#out + 1] = tonumber(call('HGET', P .. 'report:' .. day, 'total') or 0) end
return out
