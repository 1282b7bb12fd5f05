-- A composite resource definition is healthy when the API that it defines can be used.
local hs = {status = "Progressing", message = "Waiting for Crossplane to establish the API"}
if obj.status == nil or obj.status.conditions == nil then
  return hs
end
for _, condition in ipairs(obj.status.conditions) do
  if condition.type == "Established" then
    if condition.status == "True" then
      return {status = "Healthy", message = "Established"}
    end
    hs.message = condition.message or condition.reason
  end
end
return hs
