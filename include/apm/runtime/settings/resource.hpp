// The resource: what the code and the environment say, and what the kernel, the container and Kubernetes show. Names are those
// of OpenTelemetry's semantic conventions. A command line's arguments are left out: they hold secrets.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include <sys/utsname.h>
#include <unistd.h>

#include <apm/backend.hpp>
#include <apm/config.hpp>
#include <apm/detail/hex.hpp>
#include <apm/detail/uuid.hpp>
#include <apm/runtime/options.hpp>
#include <apm/runtime/settings/reader.hpp>

namespace apm::inline APM_ABI::detail {

// Of a file that is not there: nothing. `most` bytes at most.
inline std::string read_file(const std::string& path, std::size_t most = 1 << 16) {
    std::ifstream file(path, std::ios::binary);
    std::string text(most, '\0');
    file.read(text.data(), static_cast<std::streamsize>(most));
    text.resize(static_cast<std::size_t>(std::max<std::streamsize>(file.gcount(), 0)));
    return text;
}

// The last run of 64 hexadecimal digits in each line of a file of /proc that speaks of containers; the first line's that has one.
// Control groups of version 1 name it in /proc/self/cgroup; of version 2, mounts do, which come from the container's directory.
inline std::string container_id(std::string_view cgroup, std::string_view mountinfo) {
    const auto id_in = [](std::string_view line) {
        std::string_view found;
        for (std::size_t i = 0; i < line.size();) {
            std::size_t n = i;
            while (n < line.size() && hex_value(line[n], letters::lower) < 16) ++n;
            if (n - i == 64) found = line.substr(i, 64);
            i = (std::max)(n, i + 1);
        }
        return std::string(found);
    };
    std::string id;
    split(cgroup, '\n', [&](std::string_view line) {
        if (id.empty()) id = id_in(line);
    });
    split(mountinfo, '\n', [&](std::string_view line) {
        const bool of_container = line.find("/containers/") != line.npos || line.find("/sandboxes/") != line.npos;
        if (id.empty() && of_container && line.find("/etc/hostname") != line.npos) id = id_in(line);
    });
    return id;
}

// A pod's, of Kubernetes, in the path of a control group: `pod` and a UUID, whose hyphens systemd makes underscores.
inline std::string pod_uid(std::string_view cgroup) {
    for (std::size_t at = 0; (at = cgroup.find("pod", at)) != cgroup.npos; at += 3) {
        std::string uid(cgroup.substr(at + 3, 36));
        std::replace(uid.begin(), uid.end(), '_', '-');
        bool good = uid.size() == 36;
        for (std::size_t i = 0; good && i < uid.size(); ++i) {
            const bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
            good = hyphen ? uid[i] == '-' : hex_value(uid[i], letters::lower) < 16;
        }
        if (good) return uid;
    }
    return {};
}

// The first to name an attribute wins: its own variable or option (the variable first), `resource` in the options,
// OTEL_RESOURCE_ATTRIBUTES, what is found. Files are looked for below `root`.
inline resource identify(settings_reader& reader, const runtime_options& options, const std::string& root = {}) {
    resource who;
    const auto add = [&who](std::string_view key, resource_value value) {
        if (value == resource_value(std::string())) return;
        for (const auto& [have, unused] : who.attributes)
            if (have == key) return;
        who.attributes.emplace_back(key, std::move(value));
    };
    const auto add_first_set = [&](std::string_view key, auto... names) {
        if (const auto f = reader.first(names...); f.value) add(key, std::string(f.value));
    };
    std::string name(options.service.name), version(options.service.version), place(options.service.environment);
    reader.text(name, "OTEL_SERVICE_NAME", "APM_SERVICE_NAME");
    reader.text(version, "APM_VERSION");
    reader.text(place, "APM_ENVIRONMENT");
    add("service.name", name);
    add("service.namespace", std::string(options.service.name_space));
    add("service.version", version);
    add("service.instance.id", std::string(options.service.instance_id));
    add("deployment.environment.name", place);
    for (const auto& [key, value] : options.resource) add(key, std::string(value));
    if (options.resource.size > options.resource.most)
        report("the options give the resource %zu attributes; those after the first %zu are left out", options.resource.size,
               options.resource.most);
    for (auto& [key, value] : reader.pairs("OTEL_RESOURCE_ATTRIBUTES")) add(key, std::move(value));
    add_first_set("deployment.environment.name", "ENVIRONMENT");

    char path[4096];
    const ssize_t n = readlink("/proc/self/exe", path, sizeof path);
    const std::string executable(path, n > 0 ? static_cast<std::size_t>(n) : 0);
    const std::string program = executable.substr(executable.rfind('/') + 1);
    add("service.name", program.empty() ? std::string("unknown_service") : "unknown_service:" + program);
    const std::size_t before = who.attributes.size();
    add("service.instance.id", random_uuid());
    who.generated_instance_id = who.attributes.size() > before;
    char machine[256] = "";
    if (gethostname(machine, sizeof machine - 1) == 0) add("host.name", std::string(machine));
    if (utsname system; uname(&system) == 0) {
        const std::string_view arch = system.machine;
        add("host.arch", std::string(arch == "x86_64" ? "amd64" : arch == "aarch64" ? "arm64" : arch));
    }
    add("os.type", std::string("linux"));
    add("process.pid", std::int64_t{getpid()});
    add("process.executable.name", program);
    add("process.executable.path", executable);

    const std::string cgroup = read_file(root + "/proc/self/cgroup");
    add("container.id", container_id(cgroup, read_file(root + "/proc/self/mountinfo", 1 << 20)));
    if (reader.first("KUBERNETES_SERVICE_HOST").value) {
        // The names that manifests give by the downward API, as a rule; else what a pod shows by itself.
        add_first_set("k8s.pod.name", "K8S_POD_NAME", "POD_NAME");
        add_first_set("k8s.pod.uid", "K8S_POD_UID", "POD_UID");
        add_first_set("k8s.namespace.name", "K8S_NAMESPACE_NAME", "K8S_NAMESPACE", "POD_NAMESPACE");
        add_first_set("k8s.node.name", "K8S_NODE_NAME", "NODE_NAME");
        add_first_set("k8s.container.name", "K8S_CONTAINER_NAME", "CONTAINER_NAME");
        add("k8s.pod.name", std::string(machine));
        add("k8s.pod.uid", pod_uid(cgroup));
        const std::string space = read_file(root + "/var/run/secrets/kubernetes.io/serviceaccount/namespace", 256);
        add("k8s.namespace.name", space.substr(0, space.find('\n')));
    }
    add("telemetry.sdk.name", std::string("apm"));
    add("telemetry.sdk.language", std::string("cpp"));
    add("telemetry.sdk.version", std::string(APM_VERSION));
    const auto named = std::find_if(who.attributes.begin(), who.attributes.end(),
                                    [](const auto& a) { return a.first == "service.name"; });
    std::rotate(who.attributes.begin(), named, named + 1);  // the name first, wherever it came from
    return who;
}

}  // namespace apm::inline APM_ABI::detail
