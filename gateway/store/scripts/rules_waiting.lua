-- rules_waiting.lua: whose clients wait since times in these spans. A span that has more than may be told is told up to
-- a time: those who wait since the same millisecond come together.
-- KEYS: 1 shard prefix   ARGV: 1 most of a span, then field of "rules" that has so far, else from, and to, of each span...
-- Returns {so far, thread, since, thread, since...} of each
local out = {}
for i = 2, #ARGV, 3 do
  local from = call('HGET', P .. 'rules', ARGV[i])
  if not from or tonumber(from) < tonumber(ARGV[i + 1]) then from = ARGV[i + 1] end
  local found = call('ZRANGEBYSCORE', P .. 'waiting', '(' .. from, ARGV[i + 2], 'WITHSCORES', 'LIMIT', 0, ARGV[1])
  if #found == 2 * tonumber(ARGV[1]) then
    local last = found[#found]
    if found[2] == last then
      found = call('ZRANGEBYSCORE', P .. 'waiting', last, last, 'WITHSCORES')
    else
      while found[#found] == last do
        found[#found] = nil
        found[#found] = nil
      end
    end
  end
  table.insert(found, 1, from)
  out[#out + 1] = found
end
return out
