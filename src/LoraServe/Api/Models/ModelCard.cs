using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Generation;

namespace LoraServe.Api.Models;

/// <summary>The base model or an adapter: what a request can name as its model.</summary>
public sealed record ModelCard
{
    /// <summary>The name.</summary>
    /// <example>summarize</example>
    public required string Id { get; init; }

    /// <summary>Always model.</summary>
    /// <example>model</example>
    public string Object { get; init; } = "model";

    /// <summary>When it came to this server, in seconds since 1970.</summary>
    /// <example>1767225600</example>
    public required long Created { get; init; }

    /// <summary>Always loraserve.</summary>
    /// <example>loraserve</example>
    public string OwnedBy { get; init; } = "loraserve";

    /// <summary>lora://name@version for an adapter, base://name@fingerprint for the base model.</summary>
    /// <example>lora://summarize@9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08</example>
    public required string Root { get; init; }

    /// <summary>
    /// SHA-256 over all weights of the base model as its checkpoint stores them, whatever type they are loaded in; for an adapter, over its
    /// content.
    /// </summary>
    /// <example>9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08</example>
    public required string Fingerprint { get; init; }

    /// <summary>The base model of an adapter; null for the base model itself.</summary>
    /// <example>loraserve-demo</example>
    public required string? Parent { get; init; }

    /// <summary>Most tokens of a prompt and its continuation together; null for an adapter, which has its parent's.</summary>
    /// <example>1024</example>
    public required int? MaxModelLen { get; init; }

    /// <summary>What clients may do with it.</summary>
    public required IReadOnlyList<ModelPermission> Permission { get; init; }

    /// <summary>The card of the base model.</summary>
    public static ModelCard Base(ModelInfo model, string id, DateTimeOffset loaded) => new()
    {
        Id = id,
        Created = loaded.ToUnixTimeSeconds(),
        Root = $"base://{id}@{model.Fingerprint}",
        Fingerprint = model.Fingerprint,
        Parent = null,
        MaxModelLen = model.MaxModelLen,
        Permission = [ModelPermission.For(id, loaded)],
    };

    /// <summary>The card of an adapter.</summary>
    public static ModelCard Adapter(AdapterInfo adapter, string parent) => new()
    {
        Id = adapter.Name,
        Created = adapter.Created.ToUnixTimeSeconds(),
        Root = $"lora://{adapter.Name}@{adapter.Version}",
        Fingerprint = adapter.Version.Value,
        Parent = parent,
        MaxModelLen = null,
        Permission = [ModelPermission.For(adapter.Name, adapter.Created)],
    };
}

/// <summary>What clients may do with a model, in the words of OpenAI's first API.</summary>
public sealed record ModelPermission
{
    /// <summary>The permission's own name.</summary>
    /// <example>modelperm-summarize</example>
    public required string Id { get; init; }

    /// <summary>Always model_permission.</summary>
    /// <example>model_permission</example>
    public string Object { get; init; } = "model_permission";

    /// <summary>When it was given, in seconds since 1970.</summary>
    /// <example>1767225600</example>
    public required long Created { get; init; }

    /// <summary>Always false.</summary>
    /// <example>false</example>
    public bool AllowCreateEngine => false;

    /// <summary>Always true: it can generate.</summary>
    /// <example>true</example>
    public bool AllowSampling => true;

    /// <summary>Always true: it can report log-probabilities.</summary>
    /// <example>true</example>
    public bool AllowLogprobs => true;

    /// <summary>Always false.</summary>
    /// <example>false</example>
    public bool AllowSearchIndices => false;

    /// <summary>Always true: its card can be read.</summary>
    /// <example>true</example>
    public bool AllowView => true;

    /// <summary>Always false.</summary>
    /// <example>false</example>
    public bool AllowFineTuning => false;

    /// <summary>Always *: everyone who reaches the server.</summary>
    /// <example>*</example>
    public string Organization { get; init; } = "*";

    /// <summary>Always null.</summary>
    /// <example>null</example>
    public string? Group => null;

    /// <summary>Always false.</summary>
    /// <example>false</example>
    public bool IsBlocking => false;

    internal static ModelPermission For(string id, DateTimeOffset created) =>
        new() { Id = $"modelperm-{id}", Created = created.ToUnixTimeSeconds() };
}

/// <summary>The base model and all adapters.</summary>
public sealed record ModelList
{
    /// <summary>Always list.</summary>
    /// <example>list</example>
    public string Object { get; init; } = "list";

    /// <summary>The base model, then the adapters by name.</summary>
    public required IReadOnlyList<ModelCard> Data { get; init; }
}
