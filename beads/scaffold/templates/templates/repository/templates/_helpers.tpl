{{/* The action that makes a repository where requests.git is kept. */}}
{{- define "repositories.action" -}}
{{- if eq (urlParse .Values.hub.repositories.requests).hostname "github.com" -}}
publish:github
{{- else -}}
publish:gitea
{{- end }}
{{- end }}

{{/* Where repositories are made, as Backstage writes it: HOST?owner=OWNER. */}}
{{- define "repositories.owner" -}}
{{- $url := urlParse .Values.hub.repositories.requests }}
{{- $path := $url.path | trimSuffix ".git" | trimAll "/" | splitList "/" }}
{{- printf "%s?owner=%s" $url.host (initial $path | join "/") }}
{{- end }}
