// What Backstage's scaffolder adds to nunjucks: its marks, and its filters that need nothing but their argument.
// See SecureTemplater.ts and filters/ of https://github.com/backstage/backstage/tree/master/plugins/scaffolder-backend.
(function () {
  function entityRef(ref, defaults) {
    if (typeof ref !== 'string') {
      return ref;
    }
    var parts = /^(?:([^:/]+):)?(?:([^:/]+)\/)?([^:/]+)$/.exec(ref);
    if (!parts) {
      throw new Error('"' + ref + '" is no entity reference: want [KIND:][NAMESPACE/]NAME');
    }
    defaults = defaults || {};
    var kind = parts[1] || defaults.defaultKind;
    if (!kind) {
      throw new Error('"' + ref + '" has no kind: want KIND:[NAMESPACE/]NAME');
    }
    return {
      kind: kind.toLowerCase(),
      namespace: (parts[2] || defaults.defaultNamespace || 'default').toLowerCase(),
      name: parts[3].toLowerCase(),
    };
  }

  function repoUrl(text) {
    var parts = /^(?:https?:\/\/)?([^/?]+)\/?\?(.*)$/.exec(text);
    if (!parts) {
      throw new Error('"' + text + '" is no repoUrl: want HOST?owner=OWNER&repo=NAME');
    }
    var found = { host: parts[1] };
    parts[2].split('&').forEach(function (pair) {
      var cut = pair.split('=');
      var name = { org: 'organization' }[cut[0]] || cut[0];
      found[name] = decodeURIComponent(cut[1] || '');
    });
    return found;
  }

  function environment(trimBlocks, lstripBlocks) {
    var env = new nunjucks.Environment([], {
      autoescape: false,
      trimBlocks: trimBlocks,
      lstripBlocks: lstripBlocks,
      tags: { variableStart: '${{', variableEnd: '}}' },
    });
    env.addFilter('parseEntityRef', entityRef);
    env.addFilter('parseRepoUrl', repoUrl);
    env.addFilter('projectSlug', function (text) {
      var parsed = repoUrl(text);
      return parsed.owner + '/' + parsed.repo;
    });
    env.addFilter('pick', function (object, key) {
      return object === undefined || object === null ? undefined : object[key];
    });
    return env;
  }

  // render takes a template and its context as JSON.
  return function render(text, context, trimBlocks, lstripBlocks) {
    return environment(trimBlocks, lstripBlocks).renderString(text, JSON.parse(context));
  };
})();
