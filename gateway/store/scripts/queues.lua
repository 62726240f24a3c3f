-- queues.lua: the channels' queues of this shard that are not empty.
-- KEYS: 1 shard prefix   ARGV: none
-- Returns {name, length, id of the oldest entry, name, ...}
local out = {}
for _, name in ipairs(call('SMEMBERS', P .. 'queues')) do
  local first = call('XRANGE', P .. name, '-', '+', 'COUNT', 1)[1]
  if first then
    out[#out + 1] = name
    out[#out + 1] = call('XLEN', P .. name)
    out[#out + 1] = first[1]
  end
end
return out
