using System.ComponentModel;
using LoraServe.Api.Requests;

namespace LoraServe.Generation;

/// <summary>What a stream carries beside text.</summary>
[RequestPart]
public sealed record StreamOptions
{
    /// <summary>Sends one more event before the last, with no choices and the usage of the whole request.</summary>
    /// <example>true</example>
    [DefaultValue(false)]
    public bool IncludeUsage { get; init; }
}
