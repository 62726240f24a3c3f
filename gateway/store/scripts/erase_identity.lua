-- erase_identity.lua: an identity leads to nobody any more, if it leads to one of these clients.
-- KEYS: 1 shard prefix   ARGV: 1 "<kind>:<address>", 2... clients
-- Returns {"ok"}
local key = P .. 'identity:' .. ARGV[1]
local client = call('GET', key)
for i = 2, #ARGV do
  if client == ARGV[i] then call('DEL', key) end
end
return {'ok'}
