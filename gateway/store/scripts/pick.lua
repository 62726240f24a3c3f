-- pick.lua: some entries of a queue by their ids, with how often and until when each is put off.
-- KEYS: 1 shard prefix   ARGV: 1 queue, 2... ids
-- Returns {id, entry, "attempts not_before" or "", id, ...}, in the order of the ids; what is gone is left out
local out, queue = {}, ARGV[1]
for i = 2, #ARGV do
  local found = call('XRANGE', P .. queue, ARGV[i], ARGV[i])[1]
  if found then
    out[#out + 1] = found[1]
    out[#out + 1] = found[2][2]
    out[#out + 1] = call('HGET', P .. 'retry:' .. queue, ARGV[i]) or ''
  end
end
return out
