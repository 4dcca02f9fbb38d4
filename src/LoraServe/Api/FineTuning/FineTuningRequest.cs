using System.ComponentModel.DataAnnotations;
using System.Text.Json.Nodes;
using LoraServe.Api.Requests;

namespace LoraServe.Api.FineTuning;

/// <summary>A training that is wanted.</summary>
public sealed record FineTuningRequest
{
    /// <summary>The base model's name.</summary>
    /// <example>loraserve-demo</example>
    [Required]
    public string? Model { get; init; }

    /// <summary>Id of a file of examples.</summary>
    /// <example>file-3f9a1c2b7d4e3f9a1c2b7d4e</example>
    [Required]
    public string? TrainingFile { get; init; }

    /// <summary>Id of a file of held-out examples; the best state on them is kept.</summary>
    /// <example>file-5a1c2b7d4e3f9a1c2b7d4e3f</example>
    public string? ValidationFile { get; init; }

    /// <summary>In the place of a file: which part of the examples is held out.</summary>
    /// <example>0.05</example>
    [Range(0.0, 1.0, MaximumIsExclusive = true)]
    public double? ValidationSplit { get; init; }

    /// <summary>The last part of the adapter's name, ft:base:suffix; absent: a part of the job's id.</summary>
    /// <example>support</example>
    public string? Suffix { get; init; }

    /// <summary>Decides the start of A, the order of the examples and what is dropped; absent: 42.</summary>
    /// <example>7</example>
    [Range(0, int.MaxValue)]
    public int? Seed { get; init; }

    /// <summary>How to train.</summary>
    public FineTuningMethod? Method { get; init; }

    /// <summary>The older place of the hyperparameters, for what method does not say.</summary>
    public BasicHyperparameters? Hyperparameters { get; init; }

    /// <summary>Services to report to; there are none.</summary>
    /// <example>[]</example>
    public JsonArray? Integrations { get; init; }

    /// <summary>Up to 16 names, of at most 64 characters, and texts, of at most 512, for the caller's own use.</summary>
    /// <example>{"team": "support"}</example>
    public IReadOnlyDictionary<string, string>? Metadata { get; init; }
}

/// <summary>How to train.</summary>
[RequestPart]
public sealed record FineTuningMethod
{
    /// <summary>supervised: to say what the examples say.</summary>
    /// <example>supervised</example>
    public string Type { get; init; } = "supervised";

    /// <summary>How to train by examples.</summary>
    public SupervisedMethod? Supervised { get; init; }

    /// <summary>Not supported.</summary>
    /// <example>null</example>
    public JsonObject? Dpo { get; init; }

    /// <summary>Not supported.</summary>
    /// <example>null</example>
    public JsonObject? Reinforcement { get; init; }
}

/// <summary>How to train by examples.</summary>
[RequestPart]
public sealed record SupervisedMethod
{
    /// <summary>What is not given is chosen; events of the job say what and why.</summary>
    public SupervisedHyperparameters? Hyperparameters { get; init; }
}

/// <summary>The hyperparameters that every training has.</summary>
[RequestPart]
public record BasicHyperparameters
{
    /// <summary>Examples of one step.</summary>
    /// <example>8</example>
    [Auto, Range(1, 256)]
    public int? BatchSize { get; init; }

    /// <summary>Multiplies the learning rate.</summary>
    /// <example>1</example>
    [Auto, Range(0.0, 1000.0, MinimumIsExclusive = true)]
    public double? LearningRateMultiplier { get; init; }

    /// <summary>How often every example is seen.</summary>
    /// <example>3</example>
    [Auto, Range(1, 50)]
    public int? NEpochs { get; init; }
}

/// <summary>The hyperparameters of a training by examples.</summary>
[RequestPart]
public sealed record SupervisedHyperparameters : BasicHyperparameters
{
    /// <summary>Those of LoRA, and finer ones; an extension of OpenAI's API.</summary>
    public LoraHyperparameters? Lora { get; init; }
}
