{{/* The action that opens a pull request where requests.git is kept. */}}
{{- define "requests.action" -}}
{{- if eq (urlParse .Values.hub.repositories.requests).hostname "github.com" -}}
publish:github:pull-request
{{- else -}}
publish:gitea:pull-request
{{- end }}
{{- end }}

{{/* requests.git as Backstage writes it: HOST?owner=OWNER&repo=NAME. */}}
{{- define "requests.repository" -}}
{{- $url := urlParse .Values.hub.repositories.requests }}
{{- $path := $url.path | trimSuffix ".git" | trimAll "/" | splitList "/" }}
{{- printf "%s?owner=%s&repo=%s" $url.host (initial $path | join "/") (last $path) }}
{{- end }}
