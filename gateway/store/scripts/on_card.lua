-- on_card.lua: of a thread's messages, what the CRMs have.
-- KEYS: 1 shard prefix   ARGV: 1 thread, 2... targets
-- Returns for each target {attached up to, how many wait, since ms, how many are dead, the last one of them,
--   detail, when}, or {} when there is no such thread
local thread = ARGV[1]
local last = get(thread, 'seq')[1]
if not last then return {} end
local log = P .. 'log:' .. thread

-- When a message was stored, by Redis's clock.
local function stored(seq)
  local rec = call('HGET', log, seq)
  if not rec then return nil end
  local first, after = string.match(rec, '\n(%d+) %l+\n%+(%d+) stored')
  if not first then first, after = string.match(rec, '\n(%d+)'), 0 end
  return tonumber(first or 0) + tonumber(after)
end

-- Nothing older than what is in the queue waits in it: a target of today has never heard of the messages of before.
local function first_waiting(from, oldest)
  local low, high = from, last + 1
  while low < high do
    local middle = math.floor((low + high) / 2)
    if (stored(middle) or 0) + 1000 < oldest then low = middle + 1 else high = middle end
  end
  return low
end

local out = {}
last = tonumber(last)
for i = 2, #ARGV do
  local target = ARGV[i]
  local upto = tonumber(get(thread, 'crm:' .. target)[1] or 0)
  local of = target .. ':' .. thread
  local gaps, again = P .. 'gap:' .. of, P .. 'again:' .. of
  local oldest = call('XRANGE', P .. 'crm:' .. target, '-', '+', 'COUNT', 1)[1]
  local waits, since = 0, 0
  if oldest then
    local dead, distinct = {}, 0
    local from = first_waiting(upto + 1, tonumber(string.match(oldest[1], '^%d+')))
    local numbers = call('ZRANGEBYSCORE', gaps, from, '+inf', 'WITHSCORES')
    for k = 2, #numbers, 2 do
      if not dead[numbers[k]] then dead[numbers[k]], distinct = true, distinct + 1 end
    end
    waits = math.max(0, last - from + 1 - distinct)
    local seq = from
    while waits > 0 and dead[tostring(seq)] do seq = seq + 1 end
    if waits > 0 then since = stored(seq) or 0 end
    local back = call('ZRANGE', again, 0, -1, 'WITHSCORES')
    for k = 1, #back, 2 do
      if tonumber(back[k]) < from then
        waits = waits + 1
        if since == 0 or tonumber(back[k + 1]) < since then since = tonumber(back[k + 1]) end
      end
    end
  end
  local refused = call('ZREVRANGE', gaps, 0, 0, 'WITHSCORES')
  local detail, at = '', ''
  if refused[1] then
    local letter = call('XRANGE', P .. 'dead', refused[1], refused[1])[1]
    local f = {}
    for k = 1, letter and #letter[2] or 0, 2 do f[letter[2][k]] = letter[2][k + 1] end
    detail, at = f.detail or '', f.at or ''
  end
  out[#out + 1] = {upto, waits, since, call('ZCARD', gaps), tonumber(refused[2] or 0), detail, at}
end
return out
