-- turn.lua: who of several agents is next. What each has was counted at a moment ("at"); whatever was given to him since,
-- or is being given, counts, too, so that two who give at once do not give to the same one.
-- KEYS: 1 "sb:{turn}:given", 2 "sb:{turn}:<whose turns>"
-- ARGV: 1 now ms, 2 "at", or "done" and 3 what is given, or "pick" and 3 what is given, 4 "turn" or "least",
--   5 the moment of the counts, 6 most that anybody may have or 0, then name and count of each...
-- Returns the moment; 1; the name, false when nobody may have more, or 1 when somebody might: what was given to him
-- just now may have been counted twice, so count again
local call = redis.call
local KEEP, FORGET = 10000, 60000 -- ms: what is done, what was never told to be
if ARGV[2] == 'at' then return tonumber(call('HGET', KEYS[1], 'moment') or 0) end
local given = call('HGET', KEYS[1], 'g:' .. ARGV[3])
if ARGV[2] == 'done' then
  local name, ms = string.match(given or '', '^(%S+) (%d+)')
  if name then
    call('HSET', KEYS[1], 'g:' .. ARGV[3], name .. ' ' .. ms .. ' ' .. call('HINCRBY', KEYS[1], 'moment', 1))
  end
  return 1
end
if given then return string.match(given, '^%S+') end

local more, all = {}, call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local name, ms, moment = string.match(all[i + 1], '^(%S+) (%d+) (%d+)$')
  if name then
    local age = tonumber(ARGV[1]) - tonumber(ms)
    if age > FORGET or (moment ~= '0' and age > KEEP) then
      call('HDEL', KEYS[1], all[i])
    elseif moment == '0' or tonumber(moment) > tonumber(ARGV[5]) then
      more[name] = (more[name] or 0) + 1
    end
  end
end
local most, doubt, best, best_load, best_turn = tonumber(ARGV[6]), false, nil, nil, nil
for i = 7, #ARGV, 2 do
  local name = ARGV[i]
  local load = tonumber(ARGV[i + 1]) + (more[name] or 0)
  local turn = tonumber(call('HGET', KEYS[2], name) or 0)
  if most == 0 or load < most then
    if ARGV[4] ~= 'least' then load = 0 end
    if not best or load < best_load or (load == best_load and turn < best_turn) then
      best, best_load, best_turn = name, load, turn
    end
  elseif tonumber(ARGV[i + 1]) < most then
    doubt = true
  end
end
if not best then return doubt and 1 end
call('HSET', KEYS[2], best, call('HINCRBY', KEYS[1], 'moment', 1))
call('EXPIRE', KEYS[2], 7776000)
call('HSET', KEYS[1], 'g:' .. ARGV[3], best .. ' ' .. ARGV[1] .. ' 0')
return best
