// ctest: LABELS serial
// Who is speaking, from what the kernel, containers and Kubernetes show.
#include <apm/runtime/settings/resource.hpp>

#include <filesystem>
#include <fstream>

#include "runtime/support.hpp"

#include "catch.hpp"

namespace {

const std::string id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

// A root of its own, for the files that are looked at.
struct tree {
    std::string root = std::filesystem::temp_directory_path() / ("apm-resource-" + std::to_string(getpid()));

    tree() { std::filesystem::remove_all(root); }
    ~tree() { std::filesystem::remove_all(root); }
    void put(const std::string& path, std::string_view text) const {
        std::filesystem::create_directories(std::filesystem::path(root + path).parent_path());
        std::ofstream(root + path) << text;
    }
};

std::string attribute(const apm::resource& who, std::string_view key) {
    for (const auto& [name, value] : who.attributes)
        if (name == key) return apm::text_of(value);
    return {};
}

}  // namespace

TEST_CASE("a container's id") {
    using apm::detail::container_id;
    CHECK(container_id("12:memory:/docker/" + id + "\n", "") == id);
    CHECK(container_id("0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-" + id + ".scope", "") == id);
    CHECK(container_id("1:name=systemd:/kubepods/burstable/pod7/" + id, "") == id);
    // Version 2: only mounts tell.
    CHECK(container_id("0::/\n", "700 600 254:1 /var/lib/docker/containers/" + id + "/hostname /etc/hostname rw - ext4 /dev/vda1 rw\n") == id);
    CHECK(container_id("0::/\n", "1 2 0:1 /containers/storage/overlay-containers/" + id + "/userdata/hostname /etc/hostname rw\n") == id);
    CHECK(container_id("0::/init.scope\n", "1 2 0:1 / / rw - ext4 /dev/vda1 rw\n").empty());
    CHECK(container_id("0::/user.slice/" + id.substr(1), "").empty());  // 63 digits are none
    CHECK(container_id("0::/x/" + id + "0", "").empty());               // nor are 65
    CHECK(container_id("", "").empty());
}

TEST_CASE("a pod's id") {
    using apm::detail::pod_uid;
    CHECK(pod_uid("1:x:/kubepods/besteffort/pod6c5ba5c6-0d19-4b1f-8a3d-1f2e3d4c5b6a/" + id) == "6c5ba5c6-0d19-4b1f-8a3d-1f2e3d4c5b6a");
    CHECK(pod_uid("0::/kubepods.slice/kubepods-pod6c5ba5c6_0d19_4b1f_8a3d_1f2e3d4c5b6a.slice") == "6c5ba5c6-0d19-4b1f-8a3d-1f2e3d4c5b6a");
    CHECK(pod_uid("0::/kubepods/pod").empty());
    CHECK(pod_uid("0::/podman/x").empty());
}

TEST_CASE("what the kernel shows") {
    const environment e;
    const tree files;
    apm::detail::settings_reader env;
    const apm::resource who = apm::detail::identify(env, {}, files.root);
    CHECK(std::get<std::int64_t>(std::find_if(who.attributes.begin(), who.attributes.end(), [](auto& a) {
                                     return a.first == "process.pid";
                                 })->second) == getpid());
    CHECK(attribute(who, "os.type") == "linux");
    CHECK_FALSE(attribute(who, "host.arch").empty());
    CHECK(attribute(who, "process.executable.path").ends_with("/" + attribute(who, "process.executable.name")));
    CHECK(attribute(who, "service.instance.id").size() == 36);
    apm::detail::settings_reader again;
    CHECK(attribute(apm::detail::identify(again, {}, files.root), "service.instance.id") != attribute(who, "service.instance.id"));
    CHECK(attribute(who, "container.id").empty());
    for (const auto& [name, value] : who.attributes) CHECK_FALSE(name.starts_with("k8s."));
}

TEST_CASE("in a pod of Kubernetes") {
    const tree files;
    files.put("/proc/self/cgroup", "1:x:/kubepods/besteffort/pod6c5ba5c6-0d19-4b1f-8a3d-1f2e3d4c5b6a/" + id + "\n");
    files.put("/var/run/secrets/kubernetes.io/serviceaccount/namespace", "market\n");
    {
        const environment e{{"KUBERNETES_SERVICE_HOST", "10.0.0.1"}};
        apm::detail::settings_reader env;
        const apm::resource who = apm::detail::identify(env, {}, files.root);
        CHECK(attribute(who, "container.id") == id);
        CHECK(attribute(who, "k8s.pod.uid") == "6c5ba5c6-0d19-4b1f-8a3d-1f2e3d4c5b6a");
        CHECK(attribute(who, "k8s.namespace.name") == "market");
        CHECK(attribute(who, "k8s.pod.name") == attribute(who, "host.name"));
        CHECK(attribute(who, "k8s.node.name").empty());
    }
    const environment e{{"KUBERNETES_SERVICE_HOST", "10.0.0.1"}, {"POD_NAME", "shop-1"}, {"K8S_NAMESPACE", "other"}, {"K8S_NODE_NAME", "n1"},
                        {"OTEL_RESOURCE_ATTRIBUTES", "k8s.pod.uid=given"}};
    apm::detail::settings_reader env;
    const apm::resource who = apm::detail::identify(env, {}, files.root);
    CHECK(attribute(who, "k8s.pod.name") == "shop-1");
    CHECK(attribute(who, "k8s.namespace.name") == "other");
    CHECK(attribute(who, "k8s.node.name") == "n1");
    CHECK(attribute(who, "k8s.pod.uid") == "given");
}
