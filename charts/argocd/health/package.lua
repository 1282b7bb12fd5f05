-- A Crossplane package is healthy when it is installed and its active revision is healthy.
local hs = {status = "Progressing", message = "Waiting for Crossplane to install it"}
if obj.status == nil or obj.status.conditions == nil then
  return hs
end
local installed, healthy = false, false
for _, condition in ipairs(obj.status.conditions) do
  if condition.type == "Installed" then
    installed = condition.status == "True"
    -- Unpacking has no message until it fails.
    if condition.status == "False" and condition.message ~= nil and condition.message ~= "" then
      return {status = "Degraded", message = condition.message}
    end
  elseif condition.type == "Healthy" then
    healthy = condition.status == "True"
    if condition.status == "False" then
      return {status = "Degraded", message = condition.message or condition.reason}
    end
  end
end
if installed and healthy then
  return {status = "Healthy", message = "Installed"}
end
return hs
