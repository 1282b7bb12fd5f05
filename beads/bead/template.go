package bead

import (
	"fmt"
	"path"
	"regexp"
	"strings"

	"helm.sh/helm/v3/pkg/chart"

	"github.com/back-stack/backstack/internal/helm"
)

// helpersFile holds a part's named templates.
const helpersFile = "_helpers.tpl"

// Hub is what a Bead's templates see of the hub, as .Values.hub.
type Hub struct {
	Name     string // the hub's name
	Pods     bool   // whether its cluster has nodes that run pods
	URL      string // of hub.git
	Requests string // the URL of requests.git
}

// values is the Hub as templates see it.
func (h Hub) values() map[string]any {
	return map[string]any{
		"name": h.Name, "pods": h.Pods, "repositories": map[string]any{"hub": h.URL, "requests": h.Requests},
	}
}

// backstage is an expression of Backstage's templates.
var backstage = regexp.MustCompile(`(?s)\$\{\{.*?\}\}`)

// The marks that stand for Backstage's brackets while Helm's templates are rendered: characters for private use, which no
// text has.
const (
	openMark  = "\uE0B1"
	closeMark = "\uE0B2"
)

// hide puts Backstage's expressions out of Helm's sight.
func hide(content []byte) []byte {
	return backstage.ReplaceAllFunc(content, func(expression []byte) []byte {
		inside := strings.TrimSuffix(strings.TrimPrefix(string(expression), "${{"), "}}")
		return []byte(openMark + inside + closeMark)
	})
}

// show undoes hide.
var show = strings.NewReplacer(openMark, "${{", closeMark, "}}")

// execute renders the files of a part. The names begin with the part's folder, so that errors name the file.
func (f *Folder) execute(part Part, files Files, hub Hub, values map[string]any) (map[string]string, error) {
	templates := make(map[string][]byte, len(files)+1)
	for name, content := range files {
		if strings.Contains(string(content), openMark) || strings.Contains(string(content), closeMark) {
			return nil, fmt.Errorf("%s has a character for private use, U+E0B1 or U+E0B2: take it out", name)
		}
		templates[name] = hide(content)
	}
	helpers := path.Join(string(part), helpersFile)
	if content, ok := f.Files[helpers]; ok {
		templates[helpers] = hide(content)
	}
	texts, err := helm.Templates(templates, f.scope(part, hub, values))
	if err != nil {
		return nil, err
	}
	delete(texts, helpers)
	for name, text := range texts {
		texts[name] = show.Replace(text)
	}
	return texts, nil
}

// scope is what a part's templates see.
func (f *Folder) scope(part Part, hub Hub, values map[string]any) helm.Scope {
	all := make(map[string]any, len(values)+1)
	for name, value := range values {
		all[name] = value
	}
	all[hubValues] = hub.values()
	return helm.Scope{
		Chart:   chart.Metadata{APIVersion: chart.APIVersionV2, Name: f.Metadata.Name, Version: f.Spec.Version},
		Release: helm.Release{Name: f.Metadata.Name, Namespace: f.Namespace(), Values: all},
		Files:   f.Files.Sub(string(part)),
	}
}
