// What apm::file does: turns spans into lines, and writes them whole. See backend/file.hpp.
#pragma once

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>

#include <stdlib.h>
#include <unistd.h>

#include <apm/backend.hpp>
#include <apm/backend/file/chrome_trace.hpp>
#include <apm/backend/file/options.hpp>
#include <apm/backend/file/rotating_file.hpp>
#include <apm/backend/otlp/json_lines.hpp>
#include <apm/config.hpp>
#include <apm/detail/guarded.hpp>

namespace apm::inline APM_ABI::detail {

class file_exporter {
public:
    explicit file_exporter(const file_options& options)
        : directory_(options.directory.empty() ? "." : options.directory), stem_(options.stem), options_(options) {
        options_.directory = options_.stem = {};
        make_files();
    }

    [[nodiscard]] std::string_view name() const { return "file"; }
    [[nodiscard]] const std::string& otlp_path() const { return otlp_->path(); }
    [[nodiscard]] const std::string& chrome_path() const { return chrome_->path(); }
    [[nodiscard]] std::uint64_t lost() const { return lost_.load(std::memory_order_relaxed); }

    error start(const resource& who) {
        return guarded([&]() -> error {
            if (!options_.otlp && !options_.chrome) return "neither OTLP nor Chrome's format is chosen: nothing would be written";
            who_ = who;
            process_ = getpid();
            trace_ = {};
            // The program may change its directory.
            char* const whole = realpath(directory_.c_str(), nullptr);
            if (!whole) return because("open", directory_, errno);
            const std::unique_ptr<char, void (*)(void*)> owner(whole, ::free);
            directory_ = whole;
            make_files();
            error failed = because(otlp_, options_.otlp ? otlp_->ready() : 0);
            if (failed.empty() && options_.chrome) failed = because(chrome_, ready_for_chrome());
            if (!failed.empty()) otlp_->leave(), chrome_->leave();
            return failed;
        });
    }

    error export_spans(const span_batch& batch, deadline) {
        if (batch.spans.empty()) return {};
        const error failed = guarded([&] {
            if (getpid() != process_) begin_in_child();
            int otlp = 0, chrome = 0;
            if (options_.otlp) {
                otlp = otlp_->ready();
                if (!otlp) otlp = put(otlp_, [&](std::string& out, bool) { append_otlp_json(out, batch, who_); });
            }
            if (options_.chrome) {
                chrome = ready_for_chrome();
                if (!chrome) chrome = put(chrome_, [&](std::string& out, bool first) {
                    if (first) trace_.begin(out, who_);
                    trace_.append(out, batch);
                });
                if (chrome) trace_.forget();
            }
            const error first = because(otlp_, otlp), second = because(chrome_, chrome);
            return first.empty() || second.empty() ? first + second : first + "; " + second;
        });
        if (!failed.empty()) lost_.fetch_add(batch.spans.size(), std::memory_order_relaxed);
        return failed;
    }

    error stop(deadline) {
        return guarded([&]() -> error {
            error failed;
            if (getpid() != process_) {  // a forked child that exported nothing
                otlp_->leave(), chrome_->leave();
            } else if (chrome_->is_open() && chrome_->empty()) {
                const int problem = put(chrome_, [&](std::string& out, bool) { trace_.begin(out, who_); });
                failed = because(chrome_, problem);
            }
            otlp_->finish(), chrome_->finish();
            return failed;
        });
    }

private:
    using output = std::unique_ptr<rotating_file>;

    void make_files() {
        otlp_ = std::make_unique<rotating_file>(path_of("jsonl"), settings_of_otlp());
        chrome_ = std::make_unique<rotating_file>(path_of("json"), settings_of_chrome());
    }
    void make_chrome_file_of_process() {
        chrome_ = std::make_unique<rotating_file>(path_of(std::to_string(getpid()) + ".json"), settings_of_chrome());
    }
    [[nodiscard]] std::string path_of(const std::string& suffix) const {
        return directory_ + (directory_.ends_with('/') ? "" : "/") + stem_ + '.' + suffix;
    }
    [[nodiscard]] rotating_file_options settings_of_otlp() const {
        return {.max_bytes = options_.max_bytes, .keep = options_.keep};
    }
    [[nodiscard]] rotating_file_options settings_of_chrome() const {
        return {.max_bytes = options_.max_bytes, .keep = options_.keep, .alone = true, .ending = chrome_trace::ending};
    }
    void begin_in_child() {
        process_ = getpid();
        otlp_->leave(), chrome_->leave();  // what is open is the parent's
        lost_ = 0;
        trace_ = {};
        make_chrome_file_of_process();
    }
    int ready_for_chrome() {
        const int failed = chrome_->ready();
        if (failed != EBUSY) return failed;
        make_chrome_file_of_process();
        return chrome_->ready();
    }

    // Writes what `write(string, whether it is the first in its file)` appends.
    template <class Write>
    int put(output& o, Write&& write) {
        std::string text;
        write(text, o->empty());
        if (o->full(text.size())) {
            if (const int failed = o->rotate()) return failed;
            text.clear();
            write(text, true);
        }
        return o->append(text);
    }

    static error because(const output& o, int failed) { return failed ? because("write", o->path(), failed) : error{}; }
    static error because(std::string_view what, const std::string& path, int failed) {
        const auto advice = [failed] {
            switch (failed) {
                case ENOSPC: case EDQUOT: return "make room there, or name another directory; until then spans are lost";
                case EACCES: case EPERM: case EROFS: return "let this user write there, or name another directory";
                case ENOENT: case ENOTDIR: return "make that directory, or name another";
                case EFBIG: return "raise the limit of a file's size (ulimit -f), or let files be smaller (max_bytes)";
                default: return "name another directory or stem";
            }
        }();
        const std::string reason = failed == EISDIR  ? "what is there is no regular file"
                                   : failed == ELOOP ? "what is there is a symbolic link, which is not followed"
                                                     : std::generic_category().message(failed);
        return "cannot " + std::string(what) + ' ' + path + ": " + reason + "; " + advice;
    }

    std::string directory_, stem_;
    file_options options_;
    resource who_;
    output otlp_, chrome_;
    chrome_trace trace_;
    std::atomic<std::uint64_t> lost_{0};
    pid_t process_ = -1;
};

}  // namespace apm::inline APM_ABI::detail
