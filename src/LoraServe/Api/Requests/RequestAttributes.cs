namespace LoraServe.Api.Requests;

/// <summary>A part of a request whose fields are read and reported individually, as in method.supervised.hyperparameters.batch_size.</summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class RequestPartAttribute : Attribute;

/// <summary>A field in which "auto" is the same as absent: the server chooses.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class AutoAttribute : Attribute;
