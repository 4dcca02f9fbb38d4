namespace LoraServe.Api.Requests;

/// <summary>A part of a request whose fields are read, and found at fault, one by one: method.supervised.hyperparameters.batch_size.</summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class RequestPartAttribute : Attribute;

/// <summary>A field in which "auto" means the same as nothing: the server chooses.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class AutoAttribute : Attribute;
