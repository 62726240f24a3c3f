-- erase_log.lua: of some of a thread's messages stays that they were there: number, direction, channel, and when what
-- became of them. CRMs that have one hear that it was deleted. Twice does no harm.
-- KEYS: 1 shard prefix
-- ARGV: 1 thread, 2 first seq, 3 last seq, 4 the time, 5 agent, 6 events max, 7... CRM targets that are told of each
-- Returns {"ok"}
local thread, log = ARGV[1], P .. 'log:' .. ARGV[1]

-- What an event was, without words.
local function event_of(e)
  if type(e) ~= 'table' or type(e.type) ~= 'string' then return nil end
  local out = {}
  local stay = {assigned = {'to', 'by'}, state = {'to', 'by'}, merged = {'from', 'by'}, unmerged = {'from', 'into', 'by'},
    blocked = {'on', 'by'}, rating = {'score', 'of'}, created = {}, erased = {'by', 'text'}}
  if not stay[e.type] then return '{"type":"client","changed":[]}' end
  out.type = e.type
  for _, key in ipairs(stay[e.type]) do
    if type(e[key]) ~= 'table' and type(e[key]) ~= 'userdata' then out[key] = e[key] end
  end
  if e.type == 'rating' then out.text = '' end
  if e.type == 'assigned' and not out.to then out.to = '' end
  return cjson.encode(out)
end

-- Of a step's detail what says nothing of him: which CRM, and how it calls the message; the code of an error.
local function detail_of(word, detail)
  if string.find(AT_TARGET, ' ' .. word .. ' ', 1, true) then return detail end
  if string.sub(word, 1, 5) == 'card_' then return string.match(detail, '^ %S+ [%l_]+') or '' end
  if string.find(FAILED, ' ' .. word .. ' ', 1, true) or word == 'retry' or
    string.find(word, '_failed$') or string.find(word, '_retry$') then
    return (string.match(detail, '^ [%l_]+') or ' internal') .. ' erased'
  end
  return ''
end

-- When what became of it. What was still to be sent is not.
local function trail_of(rec, out)
  local lines = ''
  for at, word, detail in string.gmatch(rec, '\n(%+?%d+) ([%l_]+)([^\n]*)') do
    lines = lines .. '\n' .. at .. ' ' .. word .. detail_of(word, detail)
  end
  local last, there = last_step(rec)
  if out and last and not there and last ~= 'failed' and last ~= 'unknown' then lines = lines .. '\n+0 failed conflict erased' end
  return lines
end

for seq = tonumber(ARGV[2]), tonumber(ARGV[3]) do
  local rec = call('HGET', log, seq)
  local text = rec and body_of(rec)
  if text and not is_erased(rec) then
    local ok, b = pcall(cjson.decode, text)
    if not ok or type(b) ~= 'table' then b = {d = 'note'} end
    local body = '{"d":"' .. (b.d or 'note') .. '"'
    if type(b.ch) == 'string' then body = body .. ',"ch":"' .. b.ch .. '","co":"' .. (b.co or '') .. '"' end
    body = body .. ',"erased":true'
    if b.d == 'event' then
      body = body .. ',"event":' .. (event_of(b.event) or '{"type":"client","changed":[]}')
    else
      body = body .. ',"deleted_at":"' .. ARGV[4] .. '","deleted_by":"' .. ARGV[5] .. '"'
    end
    call('HSET', log, seq, string.sub(rec, 1, 27) .. body .. '}' .. trail_of(rec, b.d == 'out'))
    event(ARGV[6], 's ' .. thread .. ' ' .. seq)
    for i = 7, #ARGV do
      if has_word(rec, 'attached ' .. ARGV[i]) and b.d ~= 'event' then -- whatever came after that
        call('XADD', P .. 'crm:' .. ARGV[i], '*', 'e', 'm ' .. thread .. ' ' .. seq)
      end
    end
  end
end
return {'ok'}
