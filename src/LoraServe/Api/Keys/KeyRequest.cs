using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Text;
using LoraServe.Api.Requests;
using LoraServe.Keys;
using LoraServe.Text.Faults;

namespace LoraServe.Api.Keys;

/// <summary>The key that is wanted. Limits that are absent do not exist, save that of concurrent_requests.</summary>
public sealed record KeyRequest
{
    private const int MaxNameLength = 128;
    private const int MaxPatterns = 64;
    private const int MaxSeconds = 315_360_000;

    /// <summary>A name for people.</summary>
    /// <example>support team</example>
    [Required]
    public string? Name { get; init; }

    /// <summary>What it may do: infer, adapters:read, adapters:write, train, admin. admin may do everything.</summary>
    /// <example>["infer", "adapters:read"]</example>
    [Required]
    public IReadOnlyList<KeyScope>? Scopes { get; init; }

    /// <summary>The adapters that exist for it, by patterns in which * stands for anything; absent: all of them.</summary>
    /// <example>["support-*"]</example>
    public IReadOnlyList<string>? Adapters { get; init; }

    /// <summary>Whether it may generate on the bare base model.</summary>
    /// <example>true</example>
    public bool Base { get; init; } = true;

    /// <summary>Most requests within any minute.</summary>
    /// <example>60</example>
    [Range(1, int.MaxValue)]
    public int? RequestsPerMinute { get; init; }

    /// <summary>Most tokens, read and written, within any minute.</summary>
    /// <example>100000</example>
    [Range(1, int.MaxValue)]
    public int? TokensPerMinute { get; init; }

    /// <summary>
    /// Most requests at the same time, and most choices (prompts times n) of all of them together; absent: three quarters of
    /// --max-queued-seqs, or --max-num-seqs if that is more.
    /// </summary>
    /// <example>8</example>
    [Range(1, int.MaxValue)]
    public int? ConcurrentRequests { get; init; }

    /// <summary>Most adapters that exist because it uploaded or saved them.</summary>
    /// <example>10</example>
    [Range(0, int.MaxValue)]
    public int? MaxAdapters { get; init; }

    /// <summary>Most bytes of all versions that it uploaded and that are still stored.</summary>
    /// <example>1073741824</example>
    [Range(typeof(long), "0", "9223372036854775807")]
    public long? MaxAdapterBytes { get; init; }

    /// <summary>Most bytes of files that it uploaded, or its jobs made, and that are still there.</summary>
    /// <example>1073741824</example>
    [Range(typeof(long), "0", "9223372036854775807")]
    public long? MaxFileBytes { get; init; }

    /// <summary>Most trainings, evaluations and rank studies of it that are kept, whether they have ended or not.</summary>
    /// <example>100</example>
    [Range(0, int.MaxValue)]
    public int? MaxJobs { get; init; }

    /// <summary>Seconds after which it is refused; absent: never.</summary>
    /// <example>2592000</example>
    [Range(1, MaxSeconds)]
    public int? ExpiresIn { get; init; }

    // They could make one name look like another, or one line of a list like two.
    private static bool IsInvisible(Rune rune) => Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control or UnicodeCategory.Format
        or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator;

    /// <exception cref="InvalidRequestException">With every fault.</exception>
    internal NewKey ToNewKey(DateTimeOffset now)
    {
        var faults = new RequestFaults();
        var name = Name?.Trim();
        if (string.IsNullOrEmpty(name)) faults.Add(new("name", "is required"));
        else if (name.Length > MaxNameLength || name.EnumerateRunes().Any(IsInvisible))
            faults.Add(new("name", $"expected at most {MaxNameLength} visible characters on one line"));
        if (Scopes is not { Count: > 0 }) faults.Add(new("scopes", $"is required: some of {KeyScopes.Listed}"));
        if (Adapters?.Count > MaxPatterns) faults.Add(new("adapters", $"expected at most {MaxPatterns} patterns, found {Adapters.Count}"));
        var patterns = (Adapters ?? ["*"]).Take(MaxPatterns).Select(text => (Text: text, Pattern: AdapterPattern.TryParse(text))).ToList();
        if (Scopes is not null && !Scopes.All(Enum.IsDefined)) faults.Add(new("scopes", $"expected some of {KeyScopes.Listed}"));
        foreach (var (text, _) in patterns.Where(entry => entry.Pattern is null))
            faults.Add(new("adapters", $"expected {AdapterPattern.Rule}, found '{FaultText.Shorten(text)}'"));
        faults.ThrowIfAny();
        return new NewKey
        {
            Name = name!,
            Scopes = [.. Scopes!],
            Adapters = [.. patterns.Select(entry => entry.Pattern!)],
            AllowsBase = Base,
            Expires = ExpiresIn is { } seconds ? now.AddSeconds(seconds) : null,
            Limits = new KeyLimits
            {
                RequestsPerMinute = RequestsPerMinute,
                TokensPerMinute = TokensPerMinute,
                ConcurrentRequests = ConcurrentRequests,
                Adapters = MaxAdapters,
                AdapterBytes = MaxAdapterBytes,
                FileBytes = MaxFileBytes,
                Jobs = MaxJobs,
            },
        };
    }
}
