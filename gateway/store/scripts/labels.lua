-- labels.lua: how many of the threads that an agent may see (his own, and those of nobody) have each of these labels.
-- KEYS: 1 shard prefix   ARGV: 1 agent, 2... labels
-- Returns a number for each
local out = {}
for i = 2, #ARGV do
  local n = 0
  for _, state in ipairs({'open', 'snoozed', 'closed'}) do
    local found = call('HMGET', P .. 'n', state .. ' ' .. ARGV[1] .. ' * ' .. ARGV[i], state .. '  * ' .. ARGV[i])
    n = n + tonumber(found[1] or 0) + tonumber(found[2] or 0)
  end
  out[#out + 1] = n
end
return out
