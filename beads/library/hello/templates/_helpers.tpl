{{/* The action that makes a repository where requests.git is kept. */}}
{{- define "repositories.action" -}}
{{- if eq (include "repositories.github" .) "true" -}}
publish:github
{{- else -}}
publish:gitea
{{- end }}
{{- end }}

{{/* Whether that is GitHub: true or false. */}}
{{- define "repositories.github" -}}
{{- eq (include "repositories.hostname" .) "github.com" }}
{{- end }}

{{/* The host of repositories, with the port if it has one of its own. */}}
{{- define "repositories.host" -}}
{{- (urlParse .Values.hub.repositories.requests).host }}
{{- end }}

{{- define "repositories.hostname" -}}
{{- (urlParse .Values.hub.repositories.requests).hostname }}
{{- end }}

{{/* The host of the images that pipelines make. */}}
{{- define "repositories.registry" -}}
{{- if eq (include "repositories.github" .) "true" }}ghcr.io{{ else }}{{ include "repositories.host" . }}{{ end }}
{{- end }}

{{/* Whose requests.git is: new repositories are theirs too. */}}
{{- define "repositories.owner" -}}
{{- $url := urlParse .Values.hub.repositories.requests }}
{{- $url.path | trimSuffix ".git" | trimAll "/" | splitList "/" | initial | join "/" }}
{{- end }}
