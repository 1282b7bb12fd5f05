package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/back-stack/backstack/hub"
	"github.com/back-stack/backstack/hub/spec"
)

// installTimeout is how long a hub may take to be healthy. It takes seconds; a slow disk may need minutes.
const installTimeout = 10 * time.Minute

type installOptions struct {
	file     string
	provider spec.Provider
	name     string
	context  string
	charts   string
	set      []string
	dryRun   bool
	format   format
	timeout  time.Duration
}

func newInstallCommand(a *app) *cobra.Command {
	o := &installOptions{}
	c := &cobra.Command{
		Use:   "install",
		Short: "Make a hub, or bring the one there is to what is asked for",
		Long: `Install makes a hub and waits until it is healthy. Running it again goes on where an interrupted install was, brings
the hub to a changed description, and changes nothing on a healthy hub.

Without -f the hub is described by the hub.yaml of its own repository, and by defaults on the first install.`,
		Example: `  # a hub with defaults, on this machine
  backstack install

  # as hub.yaml says, with one setting changed
  backstack install -f hub.yaml --set policies.mode=Enforce

  # a second hub beside the first
  backstack install --name staging

  # on a kind cluster, or on a cluster that there is
  backstack install --provider kind
  backstack install --provider existing --context production

  # every chart and image that this would fetch, and from where
  backstack install --provider kind --dry-run`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return o.run(c, a) },
	}
	c.Flags().StringVarP(&o.file, "file", "f", "", "a hub.yaml that describes the hub; - for standard input")
	c.Flags().Var(&o.provider, "provider", "where the hub runs: embedded, kind, eks, gke or existing (default embedded)")
	c.Flags().StringVar(&o.name, "name", "", "the hub's name (default "+hub.DefaultName+")")
	c.Flags().StringVar(&o.context, "context", "", "the context of the kubeconfig that names the cluster, with --provider existing")
	c.Flags().StringVar(&o.charts, "charts", "", "where upstream's charts come from: a folder, or an https:// or oci:// URL")
	c.Flags().BoolVar(&o.dryRun, "dry-run", false, "say what would be made, and change nothing")
	c.Flags().StringArrayVar(&o.set, "set", nil, "a setting of hub.yaml as PATH=VALUE, such as policies.mode=Enforce; can be repeated")
	c.Flags().DurationVar(&o.timeout, "timeout", installTimeout, "how long the hub may take to be healthy, without building its programs")
	addOutputFlag(c, &o.format)
	c.Flags().Lookup("output").Usage = "how --dry-run prints: text, json or yaml"
	must(c.RegisterFlagCompletionFunc("context", cobra.NoFileCompletions))
	must(c.RegisterFlagCompletionFunc("provider", cobra.FixedCompletions(providers(), cobra.ShellCompDirectiveNoFileComp)))
	return c
}

func providers() []string {
	var list []string
	for _, provider := range spec.Providers() {
		list = append(list, string(provider))
	}
	return list
}

func (o *installOptions) run(c *cobra.Command, a *app) error {
	h, err := home()
	if err != nil {
		return err
	}
	request, err := o.request(c, a)
	if err != nil {
		return err
	}
	command, err := supervisorCommand()
	if err != nil {
		return err
	}
	options := hub.InstallOptions{
		Request: request, Home: h, Archive: os.Getenv("BACKSTACK_ENGINE"), Supervisor: command, Timeout: o.timeout,
	}
	if o.dryRun {
		plan, err := hub.NewPlan(c.Context(), options)
		if err != nil {
			return err
		}
		return o.format.print(a.streams.Out, plan, func(w io.Writer) error { return printPlan(w, plan) })
	}
	reporter, closeReporter := a.reporter(c.Context())
	name, err := hub.Install(c.Context(), options, reporter)
	closeReporter()
	if err != nil {
		return err
	}
	return a.printInstalled(h, name)
}

// request collects what the flags ask for. A file that cannot be read is reported with everything else that is wrong.
func (o *installOptions) request(c *cobra.Command, a *app) (hub.Request, error) {
	name := o.name
	if name == "" {
		name = a.hub
	}
	request := hub.Request{Name: name, Source: o.file}
	if name != "" {
		request.Overrides = append(request.Overrides, spec.Flag("--name", "metadata.name", name))
	}
	if c.Flags().Changed("provider") {
		request.Overrides = append(request.Overrides, spec.Flag("--provider", "spec.provider", string(o.provider)))
	}
	if c.Flags().Changed("context") {
		request.Overrides = append(request.Overrides, spec.Flag("--context", "spec.existing.context", o.context))
	}
	if c.Flags().Changed("charts") {
		request.Overrides = append(request.Overrides, spec.Flag("--charts", "spec.charts", chartSource(o.charts)))
	}
	for _, argument := range o.set {
		request.Overrides = append(request.Overrides, spec.Set(argument))
	}
	late, err := checkTimeout(o.timeout), error(nil)
	switch o.file {
	case "":
		if c.Flags().Changed("file") {
			err = fmt.Errorf("-f: want the path of a hub.yaml, or - for standard input")
		}
	case "-":
		request.Source = "standard input"
		request.Data, err = spec.ReadFrom(a.streams.In, request.Source)
	default:
		request.Data, err = spec.Read(o.file)
	}
	if err == nil && late == nil {
		return request, nil
	}
	return request, &usageError{errors.Join(err, late, request.Check())}
}

// checkTimeout refuses a timeout in which nothing can be done.
func checkTimeout(timeout time.Duration) error {
	if timeout <= 0 {
		return fmt.Errorf("--timeout %s: want a positive duration such as 10m", timeout)
	}
	return nil
}

// chartSource makes a folder's path mean the same wherever it is read.
func chartSource(text string) string {
	if text == "" || strings.Contains(text, "://") {
		return text
	}
	if absolute, err := filepath.Abs(text); err == nil {
		return absolute
	}
	return text
}

// printPlan prints what an install would make.
func printPlan(w io.Writer, plan *hub.Plan) error {
	rows := [][]string{{"HUB", "PROVIDER"}, {plan.Hub, plan.Provider}, {}, {"COMPONENT", "VERSION"}}
	for _, component := range plan.Components {
		rows = append(rows, []string{component.Name, component.Version})
	}
	if len(plan.Charts) > 0 {
		rows = append(rows, []string{}, []string{"CHART", "VERSION", "SOURCE", "DIGEST"})
	}
	for _, chart := range plan.Charts {
		rows = append(rows, []string{chart.Name, chart.Version, chart.Source, chart.Digest})
	}
	if len(plan.Images) > 0 {
		rows = append(rows, []string{}, []string{"COMPONENT", "IMAGE"})
	}
	for _, image := range plan.Images {
		rows = append(rows, []string{image.Component, image.Image})
	}
	return table(w, rows)
}

// printInstalled says what can be done now.
func (a *app) printInstalled(h hub.Home, name string) error {
	outputs, err := h.Outputs(name)
	if err != nil {
		return err
	}
	return table(a.streams.Out, [][]string{
		{"Hub", name + " is healthy"},
		{"Kubernetes", "kubectl --kubeconfig " + outputs.Kubeconfig + " get applications -A"},
		{"Argo CD", outputs.ArgoCD.URL + "  (" + outputs.ArgoCD.Username + ", password in " + outputs.ArgoCD.Credential + ")"},
		{"hub.git", outputs.Repositories.Hub + "  (" + outputs.Repositories.Username + ", token in " + outputs.Repositories.Credential + ")"},
		{"Status", "backstack status"},
	})
}
