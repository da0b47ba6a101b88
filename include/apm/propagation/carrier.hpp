// What headers may be read from and written to. A carrier is two functions: one finds the values of a name, one sets one.
//
// These are carriers without more; names are compared ignoring case:
//     std::map<std::string, std::string>                   and every other map or multimap of texts
//     std::vector<std::pair<std::string, std::string>>     and every other sequence of pairs of texts
//     std::map<std::string, std::vector<std::string>>      and every other of them with lists of values
//     [&](const char* name) { return request.get(name); }  to read: const char*, std::string, std::optional of one, ...;
//                                                          null and an empty text alike say that there is none
//     [&](std::string_view name, std::string_view value) { request.set(name, value); }   to write; it cannot remove anything
// Whatever else has headers becomes one by
//     template <> struct apm::carrier<Request> {
//         static void get(const Request& r, std::string_view name, auto&& found) { for (auto& v : r.all(name)) found(v); }
//         static void set(Request& r, std::string_view name, std::string_view value) { r.replace(name, value); }
//     };
// which may also have remove(r, name), for headers that would contradict what is set, and each(r, f), which calls
// f(name, value) for all of them: Jaeger's baggage has names that are not known beforehand.
#pragma once

#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <apm/config.hpp>
#include <apm/detail/ascii.hpp>

namespace apm::inline APM_ABI {

template <class T>
struct carrier;

namespace detail {

// The two functions for any type, so that what calls them is compiled once. Names are literals: a zero follows them.
struct header_source {
    using found = void(void* to, std::string_view value);
    using found_named = void(void* to, std::string_view name, std::string_view value);
    const void* from;
    void (*get)(const void* from, std::string_view name, void* to, found*);
    void (*each)(const void* from, void* to, found_named*);  // null where that is not possible

    template <class F>
    void find(std::string_view name, F&& f) const {
        get(from, name, &f, [](void* to, std::string_view value) { (*static_cast<std::remove_reference_t<F>*>(to))(value); });
    }
    template <class F>
    void find_all(F&& f) const {
        if (each)
            each(from, &f, [](void* to, std::string_view name, std::string_view value) {
                (*static_cast<std::remove_reference_t<F>*>(to))(name, value);
            });
    }
};
struct header_sink {
    using unwanted = bool(const void* by, std::string_view rest);  // of a name
    void* to;
    void (*put)(void* to, std::string_view name, std::string_view value);
    void (*take)(void* to, std::string_view name);  // these two are null where that is not possible
    void (*take_each)(void* to, std::string_view prefix, const void* by, unwanted* is_unwanted);

    void set(std::string_view name, std::string_view value) const { put(to, name, value); }
    void remove(std::string_view name) const {
        if (take) take(to, name);
    }
    // Those whose name is the prefix and more, for which f(std::string_view more).
    template <class F>
    void remove_each(std::string_view prefix, F&& f) const {
        if (take_each)
            take_each(to, prefix, &f, [](const void* by, std::string_view rest) {
                return bool((*static_cast<const std::remove_reference_t<F>*>(by))(rest));
            });
    }
};

template <class T>
concept text_like = std::convertible_to<const T&, std::string_view>;
template <class T>
concept text_list = !text_like<T> && requires(const T& t) {
    { *t.begin() } -> std::convertible_to<std::string_view>;
    t.end();
};
template <class T>
concept header_list = requires(const T& t) {
    { t.begin()->first } -> std::convertible_to<std::string_view>;
    t.begin()->second;
    t.end();
};
template <class T>
concept own_carrier = requires { sizeof(carrier<T>); };
// Of what a function's parameter `T&&` deduced: a container that is gone when the function returns. A temporary carrier of one's
// own may well be a view of headers that stay.
template <class T>
concept temporary_headers = !std::is_reference_v<T> && header_list<T> && !own_carrier<std::remove_const_t<T>>;
template <class F>
concept header_getter = std::invocable<F&, const char*>;
template <class F>
concept header_setter = std::invocable<F&, std::string_view, std::string_view>;
template <class T>
concept kept_text = std::constructible_from<T, std::string_view> && !std::same_as<T, std::string_view>;
// Of a parameter that is forwarded: what it is; of a function, a pointer to it.
template <class P, class T = std::remove_reference_t<P>>
using carrier_of = std::conditional_t<std::is_function_v<T>, std::decay_t<T>, T>;

// What the compiler says of any other, where APM is off, too.
template <class T>
consteval void check_source() {
    static_assert(own_carrier<std::remove_const_t<T>> || header_list<std::remove_const_t<T>> || header_getter<T>,
                  "apm: no carrier to read headers from; see apm/propagation/carrier.hpp");
}
template <class T>
consteval void check_sink() {
    if constexpr (std::is_const_v<T> && header_list<T>) {
        static_assert(!header_list<T>, "apm: these headers are const, so nothing can be written to them");
    } else if constexpr (header_list<T> && !own_carrier<T>) {
        using header = std::remove_cvref_t<decltype(*std::declval<T&>().begin())>;
        using K = std::remove_cvref_t<decltype(header::first)>;
        using V = std::remove_cvref_t<decltype(header::second)>;
        static_assert(kept_text<K> && (kept_text<V> || text_list<V>),
                      "apm: these headers do not keep the text that they are given");
    } else {
        static_assert(own_carrier<T> || header_setter<T>, "apm: no carrier to write headers to; see apm/propagation/carrier.hpp");
    }
}

template <class Value, class F>
void each_value(const Value& value, F&& f) {
    if constexpr (text_like<Value>) f(std::string_view(value));
    else
        for (const auto& one : value) f(std::string_view(one));
}
// What a getter returned. An empty text is as none: so says many a library that returns a std::string that there is no such
// header, and none of ours means anything when it is empty.
template <class R, class F>
void one_value(const R& result, F&& f) {
    if constexpr (std::convertible_to<const R&, const char*>) {
        if (const char* const text = result; text && *text) f(std::string_view(text));
    } else if constexpr (text_like<R>) {
        if (const std::string_view text = result; !text.empty()) f(text);
    } else {
        if (result) one_value(*result, f);
    }
}

template <class T>
header_source source_of(T& headers) {
    using C = std::remove_const_t<T>;
    header_source s{&headers, nullptr, nullptr};
    if constexpr (own_carrier<C>) {
        s.get = [](const void* from, std::string_view name, void* to, header_source::found* found) {
            carrier<C>::get(*static_cast<const C*>(from), name, [&](std::string_view value) { found(to, value); });
        };
        if constexpr (requires { carrier<C>::each(headers, [](std::string_view, std::string_view) {}); })
            s.each = [](const void* from, void* to, header_source::found_named* found) {
                carrier<C>::each(*static_cast<const C*>(from),
                                 [&](std::string_view name, std::string_view value) { found(to, name, value); });
            };
    } else if constexpr (header_list<C>) {
        s.get = [](const void* from, std::string_view name, void* to, header_source::found* found) {
            for (const auto& [its_name, value] : *static_cast<const C*>(from))
                if (equal_ignoring_case(its_name, name)) each_value(value, [&](std::string_view v) { found(to, v); });
        };
        s.each = [](const void* from, void* to, header_source::found_named* found) {
            for (const auto& [its_name, value] : *static_cast<const C*>(from)) {
                const std::string_view name = its_name;
                each_value(value, [&](std::string_view v) { found(to, name, v); });
            }
        };
    } else if constexpr (header_getter<T>) {
        s.get = [](const void* from, std::string_view name, void* to, header_source::found* found) {
            auto& f = *static_cast<T*>(const_cast<void*>(from));
            one_value(f(name.data()), [&](std::string_view value) { found(to, value); });
        };
    }
    return s;
}

template <class V>
void assign_value(V& to, std::string_view value) {
    if constexpr (text_like<V>) to = value;
    else to.clear(), to.emplace_back(value);
}
// Sets the first header of that name, and takes the others out; where `value` is null, all.
template <class C>
void replace_header(C& headers, std::string_view name, const std::string_view* value) {
    using K = std::remove_cvref_t<decltype(headers.begin()->first)>;
    using V = std::remove_cvref_t<decltype(headers.begin()->second)>;
    bool done = !value;
    for (auto h = headers.begin(); h != headers.end();) {
        if (!equal_ignoring_case(h->first, name)) ++h;
        else if (done) h = headers.erase(h);
        else assign_value(h->second, *value), done = true, ++h;
    }
    if (done) return;
    V made{};
    assign_value(made, *value);
    if constexpr (requires { typename C::key_type; }) headers.emplace(K(name), std::move(made));
    else headers.emplace_back(K(name), std::move(made));
}

inline bool is_unwanted_header(std::string_view name, std::string_view prefix, const void* by,
                               header_sink::unwanted* is_unwanted) {
    return name.size() > prefix.size() && equal_ignoring_case(name.substr(0, prefix.size()), prefix) &&
           is_unwanted(by, name.substr(prefix.size()));
}
template <class C>
void remove_headers(C& headers, std::string_view prefix, const void* by, header_sink::unwanted* is_unwanted) {
    const auto goes = [&](const auto& header) { return is_unwanted_header(header.first, prefix, by, is_unwanted); };
    if constexpr (requires { erase_if(headers, goes); }) {
        erase_if(headers, goes);
    } else {
        for (auto h = headers.begin(); h != headers.end();)
            if (goes(*h)) h = headers.erase(h);
            else ++h;
    }
}

template <class T>
header_sink sink_of(T& headers) {
    header_sink s{const_cast<void*>(static_cast<const void*>(&headers)), nullptr, nullptr, nullptr};
    if constexpr (own_carrier<T>) {
        s.put = [](void* to, std::string_view name, std::string_view value) {
            carrier<T>::set(*static_cast<T*>(to), name, value);
        };
        if constexpr (requires(std::string_view name) { carrier<T>::remove(headers, name); })
            s.take = [](void* to, std::string_view name) { carrier<T>::remove(*static_cast<T*>(to), name); };
        if constexpr (requires(std::string_view name) {
                          carrier<T>::remove(headers, name);
                          carrier<T>::each(headers, [](std::string_view, std::string_view) {});
                      })
            s.take_each = [](void* to, std::string_view prefix, const void* by, header_sink::unwanted* is_unwanted) {
                std::vector<std::string> names;  // first: removing while it walks would end the walk
                carrier<T>::each(*static_cast<const T*>(to), [&](std::string_view name, std::string_view) {
                    if (is_unwanted_header(name, prefix, by, is_unwanted)) names.emplace_back(name);
                });
                for (const std::string& name : names) carrier<T>::remove(*static_cast<T*>(to), name);
            };
    } else if constexpr (header_list<T>) {
        s.put = [](void* to, std::string_view name, std::string_view value) {
            replace_header(*static_cast<T*>(to), name, &value);
        };
        s.take = [](void* to, std::string_view name) { replace_header(*static_cast<T*>(to), name, nullptr); };
        s.take_each = [](void* to, std::string_view prefix, const void* by, header_sink::unwanted* is_unwanted) {
            remove_headers(*static_cast<T*>(to), prefix, by, is_unwanted);
        };
    } else if constexpr (header_setter<T>) {
        s.put = [](void* to, std::string_view name, std::string_view value) { (*static_cast<T*>(to))(name, value); };
    }
    return s;
}

}  // namespace detail

}  // namespace apm::inline APM_ABI
