package beads

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/back-stack/backstack/hub"
	"github.com/back-stack/backstack/internal/gitops"
)

// mainBranch is the branch that a hub follows.
const mainBranch = "main"

// PullRequests returns what opens pull requests where hub.git is: on Gitea or on GitHub.
func (h *Hub) PullRequests(context.Context) (Proposer, error) {
	address, err := url.Parse(h.Repository.URL)
	if err != nil {
		return nil, fmt.Errorf("reading the address of hub.git: %w", err)
	}
	owner, name, ok := strings.Cut(strings.TrimSuffix(strings.Trim(address.Path, "/"), ".git"), "/")
	if !ok || strings.Contains(name, "/") {
		return nil, &hub.RequestError{Err: fmt.Errorf("hub.git is at %s: pull requests can be opened on Gitea and GitHub, where a "+
			"repository is HOST/OWNER/NAME", h.Repository.URL)}
	}
	api := address.Scheme + "://" + address.Host + "/api/v1"
	if address.Host == "github.com" {
		api = "https://api.github.com"
	}
	client, err := httpClient(h.Repository)
	if err != nil {
		return nil, err
	}
	return pullRequests{api: api, owner: owner, name: name, token: h.Repository.Token, client: client}.open, nil
}

func httpClient(r gitops.Repository) (*http.Client, error) {
	if len(r.CA) == 0 {
		return http.DefaultClient, nil
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(r.CA) {
		return nil, errors.New("reading the authority of hub.git's server: want a PEM certificate")
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	return &http.Client{Transport: transport}, nil
}

// pullRequests speaks the part of the API of pull requests that Gitea and GitHub have in common:
// https://docs.github.com/en/rest/pulls/pulls and https://docs.gitea.com/api/.
type pullRequests struct {
	api, owner, name, token string
	client                  *http.Client
}

// open opens a pull request, or returns the one that is open for the branch.
func (p pullRequests) open(ctx context.Context, branch, title, body string) (string, error) {
	var made struct {
		URL string `json:"html_url"`
	}
	status, text, err := p.call(ctx, http.MethodPost, "", map[string]string{
		"title": title, "body": body, "head": branch, "base": mainBranch,
	}, &made)
	if err != nil {
		return "", err
	}
	switch status {
	case http.StatusCreated:
		return made.URL, nil
	case http.StatusConflict, http.StatusUnprocessableEntity:
		return p.find(ctx, branch, text)
	}
	return "", fmt.Errorf("the server answers %d: %s", status, text)
}

// find returns the open pull request of a branch; refusal is why a new one was refused.
func (p pullRequests) find(ctx context.Context, branch, refusal string) (string, error) {
	var open []struct {
		URL  string `json:"html_url"`
		Head struct {
			Ref string `json:"ref"`
		} `json:"head"`
	}
	status, text, err := p.call(ctx, http.MethodGet, "?state=open&limit=50&per_page=100", nil, &open)
	if err != nil {
		return "", err
	}
	if status != http.StatusOK {
		return "", fmt.Errorf("the server answers %d: %s", status, text)
	}
	for _, each := range open {
		if each.Head.Ref == branch {
			return each.URL, nil
		}
	}
	return "", fmt.Errorf("the server refuses it: %s", refusal)
}

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 4 << 20

func (p pullRequests) call(ctx context.Context, method, query string, in, out any) (status int, text string, err error) {
	var body io.Reader
	if in != nil {
		encoded, err := json.Marshal(in)
		if err != nil {
			return 0, "", err
		}
		body = bytes.NewReader(encoded)
	}
	request, err := http.NewRequestWithContext(ctx, method, p.api+"/repos/"+p.owner+"/"+p.name+"/pulls"+query, body)
	if err != nil {
		return 0, "", err
	}
	request.Header.Set("Authorization", "token "+p.token)
	request.Header.Set("Accept", "application/json")
	request.Header.Set("Content-Type", "application/json")
	response, err := p.client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return 0, "", err
	}
	if response.StatusCode/100 == 2 {
		err = json.Unmarshal(answer, out)
	}
	return response.StatusCode, strings.Join(strings.Fields(string(answer)), " "), err
}
